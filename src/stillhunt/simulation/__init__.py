"""Small, clearly synthetic intrusions: logs with their truth. It writes files and does nothing else."""
