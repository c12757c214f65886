"""What a sealed render reads of its request, noticed and explained."""
