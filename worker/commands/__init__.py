"""The parts of the command `tocsin`: one module for each group of sub-commands."""
