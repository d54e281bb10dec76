"""The simulated terminal as a program that says `import MetaTrader5` sees it."""
