"""What takes servers, several processes, other programs or much time to prove."""
