"""Generated from `contracts/proto` by `tools/protos.py`: do not edit."""
