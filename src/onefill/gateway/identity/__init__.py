"""Who is who: tenants, users, accounts, keys, tokens, limits and halts of a gateway."""
