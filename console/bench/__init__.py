"""`arbdesk bench`: what the product's own path costs on this machine, beside its bare twin in the same run."""
