"""One simulated broker for several processes: its server, and the client behind `onefill.mt5`."""
