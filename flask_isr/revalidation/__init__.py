"""What makes stored pages give way, in this process."""
