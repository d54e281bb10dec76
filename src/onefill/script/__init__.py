"""`onefill script`: a program that says `import MetaTrader5`, run on a simulated terminal."""
