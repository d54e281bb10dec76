"""Where the wire's message types live: a pool of our own, so that a program which compiled its own
`trading/market_data.proto` can use Onefill in the same process."""

from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
