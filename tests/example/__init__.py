"""Tests of the example: the CMS, the launcher, the tutorial."""
