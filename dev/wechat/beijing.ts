import { toBeijingDigits } from '../../lib/core/time.ts'

/** `yyyy-MM-dd HH:mm:ss` in Beijing time, as WeChat writes it in bills and refunds. */
export const toBeijingText = (at: number): string =>
  toBeijingDigits(new Date(at)).replace(/^(....)(..)(..)(..)(..)(..)$/, '$1-$2-$3 $4:$5:$6')
