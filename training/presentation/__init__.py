"""What people read about the networks: the report with its plots, and the model card."""
