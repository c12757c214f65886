"""Extensions at their defaults, each beside the same pages and visitors.

To add one: a function with ``@case`` in the module of its kind, a line in
``requirements/extensions.txt``, and the row of ``docs/extensions.rst`` that the failing
test shows.
"""
