/** Formats an amount in fen as yuan without floating-point arithmetic: 2805 is ¥28.05. */
export function inYuan(fen: number): string {
  const digits = String(fen).padStart(3, '0')
  return `¥${digits.slice(0, -2)}.${digits.slice(-2)}`
}
