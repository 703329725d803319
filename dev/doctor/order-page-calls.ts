/**
 * The pages of the shop that WeChat opens: the buyer's orders (购物订单) and WeChat's messages about
 * shipping. Only doctor reads and sets them.
 *
 * Source: developers.weixin.qq.com, business-capabilities/order-shipping
 */
import * as v from 'valibot'
import { miniProgramSettings } from '../../lib/config/wechat.ts'
import type { Failure } from '../../lib/core/failure.ts'
import { ok, type Result } from '../../lib/core/result.ts'
import { outcome, postJson } from '../../lib/wechat/post-json.ts'
import { fetchAccessToken } from '../../lib/wechat/shipping.ts'
import { within, type Patient } from './check.ts'

/** WeChat replaces it by the order number of the merchant. */
export const ORDER_NUMBER = '${商品订单号}'

/** WeChat's answer. `errcode` is 0 for a success. */
export interface PageAnswer {
  readonly errcode: number
  /** Empty if no page was ever set. */
  readonly path: string
}

export interface PageCalls {
  readOrderPage(): Promise<Result<PageAnswer, Failure>>
  setOrderPage(path: string): Promise<Result<PageAnswer, Failure>>
  /** WeChat appends the numbers of the order as a query. There is no call that reads it. */
  setShippingPage(path: string): Promise<Result<PageAnswer, Failure>>
}

const answer = v.object({ ...outcome, path: v.optional(v.string(), '') })

/** Gets an access token first. It stays valid for every other system. */
export async function openPageCalls(patient: Patient): Promise<Result<PageCalls, Failure>> {
  const settings = miniProgramSettings(patient.env)
  const token = await within(patient, () => fetchAccessToken(settings))
  if (!token.ok) return token
  const query = `?access_token=${encodeURIComponent(token.value.token)}`
  const call = (name: string, body: object) => {
    const path = `/wxa/sec/order/${name}`
    const target = { host: settings.host, path, query, isRepeatable: true }
    return within(patient, () => postJson(target, body, answer))
  }
  return ok({
    readOrderPage: () => call('get_order_detail_path', {}),
    setOrderPage: (path) => call('update_order_detail_path', { path }),
    setShippingPage: (path) => call('set_msg_jump_path', { path }),
  })
}
