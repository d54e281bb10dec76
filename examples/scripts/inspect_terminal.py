"""Everything that the terminal tells of itself, of the account, and of the symbols."""

import MetaTrader5 as mt5

print("MetaTrader5 package author:", mt5.__author__)
print("MetaTrader5 package version:", mt5.__version__)

if not mt5.initialize():
    print("initialize() failed, error code =", mt5.last_error())
    quit()

print("terminal version:", mt5.version())

terminal_info = mt5.terminal_info()
if terminal_info is not None:
    for prop, value in terminal_info._asdict().items():
        print("  {}={}".format(prop, value))

account_info = mt5.account_info()
if account_info is None:
    print("no account, error code =", mt5.last_error())
    quit()
authorized = mt5.login(account_info.login, server=account_info.server)
print("authorized:", authorized)
for prop, value in mt5.account_info()._asdict().items():
    print("  {}={}".format(prop, value))

print("symbols:", mt5.symbols_total())
majors = mt5.symbols_get(group="*USD*,!*JPY*,!XA*")
print(len(majors), "with USD:", ", ".join(symbol.name for symbol in majors[:8]), "...")
for symbol in mt5.symbols_get("XA*"):
    print(f"{symbol.name:10} {symbol.description:30} {symbol.trade_contract_size:>10} "
          f"{symbol.volume_min}..{symbol.volume_max} spread {symbol.spread} "
          f"swap {symbol.swap_long}/{symbol.swap_short}")

info = mt5.symbol_info("NO_SUCH_SYMBOL")
print("an unknown symbol:", info, mt5.last_error())
print("one-lot margin:", {
    symbol.name: mt5.order_calc_margin(mt5.ORDER_TYPE_BUY, symbol.name, 1.0, symbol.ask)
    for symbol in majors[:4]
})
print("positions:", mt5.positions_total(), "orders:", mt5.orders_total())
mt5.shutdown()
