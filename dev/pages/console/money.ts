/** Amounts are whole fen. People read and type yuan. */

/** `¥1,234.50` */
export const toYuan = (fen: number): string =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency: 'CNY' })
    .format(fen / 100)
    .replace('CN¥', '¥')

const YUAN = /^(\d{1,8})(?:\.(\d{1,2}))?$/

/** Fen of an amount such as `12`, `12.5` or `12.50`; null for anything else. */
export function parseYuan(text: string): number | null {
  const found = YUAN.exec(text.trim())
  if (found === null) return null
  const fen = Number(found[1]) * 100 + Number((found[2] ?? '').padEnd(2, '0'))
  return fen > 0 ? fen : null
}
