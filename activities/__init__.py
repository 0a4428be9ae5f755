"""What workflows ask of the outside world, each given the ports that it needs."""
