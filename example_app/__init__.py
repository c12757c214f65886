"""The shop of the tutorial: a Flask-ISR site and the CMS that it fetches from.

``shop`` is the one to read first. ``cms`` stands in for any headless CMS, and
``python -m example_app.demo`` starts both.
"""
