"""What others say of our HTTP: judges that the project did not write."""
