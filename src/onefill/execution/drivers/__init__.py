"""Three ways of doing what the stages ask for: step by step, on asyncio, behind a plain call."""
