import type { OutTradeNo } from '../core/ids.ts'
import type { Deps } from '../ports.ts'

const PHONE_NUMBER = /^\+?\d{5,20}$/

/** The orders that a number, an openid or a phone number names, newest first. */
export function searchOrders(
  { orderSearch }: Pick<Deps, 'orderSearch'>,
  asked: {
    readonly text: string
    readonly cursor?: { readonly last: OutTradeNo } | undefined
    readonly limit: number
  },
): ReturnType<Deps['orderSearch']['find']> {
  return orderSearch.find({
    text: asked.text,
    phoneNumber: toPhoneNumber(asked.text),
    before: asked.cursor?.last ?? null,
    limit: asked.limit,
  })
}

/**
 * WeChat writes numbers in China without the country code, and others with it. People also write
 * blanks and hyphens.
 */
function toPhoneNumber(text: string): string | null {
  const digits = text.replaceAll(/[ -]/g, '')
  return PHONE_NUMBER.test(digits) ? digits.replace(/^\+86/, '') : null
}
