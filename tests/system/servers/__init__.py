"""Promises that take real servers and several processes to prove."""
