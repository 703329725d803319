/** The payment client of the Mini Program, `miniprogram/pay.ts`, on the device of this page. */
import { createPay, type Pay } from '../../../../miniprogram/pay.ts'
import { createPlatform } from './platform.ts'
import type { Sheet } from './cashier.tsx'

const OPENID = 'world:openid'

/** The payer of this browser. */
function openidOfBrowser(): string {
  const kept = localStorage.getItem(OPENID)
  if (kept !== null) return kept
  const openid = `oPhone${crypto.getRandomValues(new Uint32Array(2)).join('')}`
  localStorage.setItem(OPENID, openid)
  return openid
}

/** @param show draws a screen of WeChat, and removes it with null */
export function createClient(show: (sheet: Sheet | null) => void): Pay {
  const ask = (open: (answer: (agrees: boolean) => void) => Sheet): Promise<boolean> =>
    new Promise((resolve) =>
      show(
        open((agrees) => {
          show(null)
          resolve(agrees)
        }),
      ),
    )
  return createPay({
    baseUrl: `${location.origin}/api`,
    platform: createPlatform(openidOfBrowser(), {
      openCashier: async (order) =>
        (await ask((answer) => ({ kind: 'cashier', order, answer }))) ? 'pays' : 'cancels',
      openReceipt: async () =>
        (await ask((answer) => ({ kind: 'receipt', answer }))) ? 'confirms' : 'leaves',
    }),
  })
}
