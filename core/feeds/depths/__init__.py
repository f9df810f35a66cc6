"""The venues that send top levels whole, one file each, named as in `dialects/`."""
