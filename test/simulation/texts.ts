/**
 * Free text of clients. The first is ordinary; the others can break JSON, XML, PostgreSQL or a
 * signed message.
 */
export const TEXTS: readonly string[] = [
  '拿铁',
  'latte\ud83e',
  '\udd80latte',
  'latte\u0000',
  '\u0001\u001b[31mlatte',
  'latte\ufffe\uffff',
  '拿铁☕️🦊𠮷',
  'a]]>b<!DOCTYPE x>',
  'x&out_trade_no=1&total_fee=1&transaction_id=2&z=z',
  '\u202elatte\u200b',
  '""\'\'; drop table orders; --',
  '{"a":1}',
  '拿'.repeat(60),
  ' ',
]
