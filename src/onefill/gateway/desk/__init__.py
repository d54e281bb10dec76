"""What a gateway does with a decision: judged, journaled, handed over, and its outcome heard."""
