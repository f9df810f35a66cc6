"""The commands of `arbdesk`, by their job. What a command needs is imported where it runs: `--help` answers at once."""
