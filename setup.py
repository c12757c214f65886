from pathlib import Path

from setuptools import find_packages
from setuptools import setup

setup(
    name="Flask-ISR",
    version="0.1.0.dev0",
    description="Incremental Static Regeneration for Flask.",
    long_description=Path(__file__).with_name("README.rst").read_text("utf-8"),
    long_description_content_type="text/x-rst",
    author="The Flask-ISR authors",
    license_expression="BSD-3-Clause",
    keywords=["flask", "cache", "isr", "incremental static regeneration", "static"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: Web Environment",
        "Framework :: Flask",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Topic :: Internet :: WWW/HTTP :: Dynamic Content",
        "Topic :: Internet :: WWW/HTTP :: WSGI :: Middleware",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["flask_isr", "flask_isr.*"]),
    package_data={"flask_isr": ["py.typed"]},
    python_requires=">=3.11",
    # What the package imports itself, also where Flask or Flask-Caching brings it.
    install_requires=[
        "blinker>=1.9",
        "cachelib>=0.17",
        "click>=8.1.3",
        "Flask>=3.1.3",
        "Flask-Caching>=2.5.1",
        "itsdangerous>=2.2",
        "Jinja2>=3.1.2",
        "requests>=2.31",
        "Werkzeug>=3.1",
    ],
    extras_require={"brotli": ["Brotli>=1.1"], "zstd": ["zstandard>=0.22"]},
)
