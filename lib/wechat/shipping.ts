/**
 * Order and shipping management: the Mini Program API that releases the money.
 *
 * Source: developers.weixin.qq.com, business-capabilities/order-shipping
 */
import * as v from 'valibot'
import type { Failure } from '../core/failure.ts'
import type { PaidOrder } from '../core/order.ts'
import { err, ok, type Result } from '../core/result.ts'
import { toRfc3339Millis } from '../core/time.ts'
import type { AccessToken, ShippingReport, UploadAnswer } from '../ports.ts'
import { findEarlierShipment } from './earlier-shipment.ts'
import type { MiniProgramSettings } from './login.ts'
import { outcome, postJson } from './post-json.ts'
import { cleanRefusalText } from './refusal-text.ts'
import { SPLIT, toItemDesc, UNIFIED, WIRE_TYPE } from './shipment-fields.ts'
import { shippingAnswer } from './shipping-codes.ts'
import { tokenFailure } from './token-codes.ts'

const UPLOAD = '/wxa/sec/order/upload_shipping_info'
const BY_TRANSACTION_ID = 2

/** The lifetime that WeChat documents. An answer with a longer one is refused. */
const LONGEST_LIFE_SECONDS = 7_200
/** A cached token expires this much earlier, so that no call uses it in its last minutes. */
const EARLY_SECONDS = 300

const tokenAnswer = v.object({
  access_token: v.optional(v.string()),
  expires_in: v.optional(v.number()),
  ...outcome,
})

/**
 * Fetches an access token in WeChat's normal mode: repeated calls return the same token, and after
 * WeChat has replaced it, the old token stays valid for five minutes.
 */
export async function fetchAccessToken({
  appid,
  secret,
  host,
}: MiniProgramSettings): Promise<Result<AccessToken, Failure>> {
  const answer = await postJson(
    { host, path: '/cgi-bin/stable_token', isRepeatable: true },
    { grant_type: 'client_credential', appid, secret },
    tokenAnswer,
  )
  if (!answer.ok) return answer
  const { access_token: token = '', expires_in: seconds = 0, errcode, errmsg } = answer.value
  if (errcode !== 0) return err(tokenFailure(errcode, cleanRefusalText(errmsg, [secret])))
  if (token === '' || !(seconds > 0) || seconds > LONGEST_LIFE_SECONDS)
    return err({ reason: 'wechat_untrusted', check: 'content' })
  return ok({ token, lifeMs: Math.max(0, seconds - EARLY_SECONDS) * 1_000 })
}

export async function uploadShipping(
  settings: MiniProgramSettings,
  token: string,
  report: ShippingReport,
  order: PaidOrder,
  at: Date,
): Promise<Result<UploadAnswer, Failure>> {
  const query = `?access_token=${encodeURIComponent(token)}`
  const answer = await postJson(
    // A second upload could count as the one correction that WeChat allows.
    { host: settings.host, path: UPLOAD, query, isRepeatable: false },
    toUpload(report, order, at),
    v.object(outcome),
  )
  if (!answer.ok) return answer
  const { errcode, errmsg } = answer.value
  const read = shippingAnswer(errcode, cleanRefusalText(errmsg, [token]))
  if (read.outcome === 'uploaded') return ok(read)
  return read.outcome === 'already'
    ? findEarlierShipment(settings, token, report, order, read)
    : ok({ ...read, outcome: read.outcome })
}

function toUpload(
  { logisticsType, missing, isSplit, isAllDelivered }: ShippingReport,
  order: PaidOrder,
  at: Date,
) {
  return {
    order_key: { order_number_type: BY_TRANSACTION_ID, transaction_id: order.transactionId },
    logistics_type: WIRE_TYPE[logisticsType],
    delivery_mode: isSplit ? SPLIT : UNIFIED,
    ...(isSplit ? { is_all_delivered: isAllDelivered } : {}),
    shipping_list: missing.map(({ itemDesc, trackingNo, expressCompany, contact }) => ({
      item_desc: toItemDesc(itemDesc),
      ...(trackingNo === undefined ? {} : { tracking_no: trackingNo }),
      ...(expressCompany === undefined ? {} : { express_company: expressCompany }),
      ...(contact === undefined
        ? {}
        : {
            contact: {
              ...(contact.consignorContact === undefined
                ? {}
                : { consignor_contact: contact.consignorContact }),
              ...(contact.receiverContact === undefined
                ? {}
                : { receiver_contact: contact.receiverContact }),
            },
          }),
    })),
    upload_time: toRfc3339Millis(at),
    payer: { openid: order.openid },
  }
}
