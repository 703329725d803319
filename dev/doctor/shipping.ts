/** Whether WeChat holds the money of orders until they are shipped, and whether they are. */
import { autoShipping } from '../../lib/config/orders.ts'
import { databaseSettings } from '../../lib/config/stores.ts'
import { miniProgramSettings } from '../../lib/config/wechat.ts'
import { ConfigError, type Failure } from '../../lib/core/failure.ts'
import { connect } from '../../lib/stores/neon.ts'
import { isTradeManaged } from '../../lib/wechat/is-trade-managed.ts'
import { fetchAccessToken } from '../../lib/wechat/shipping.ts'
import { within, type Check, type Patient } from './check.ts'
import { readRefusal } from './database-refusals.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const HELD = 'WeChat holds the money of orders until they are shipped'

const verdicts = {
  not_managed: { status: 'ok', what: 'WeChat does not wait for shipments before it pays the shop' },
  automatic: { status: 'ok', what: `${HELD}, and WECHAT_AUTO_SHIPPING reports each payment` },
  reported: { status: 'ok', what: `${HELD}, and shipments are reported` },
  nothing_shipped: {
    status: 'warning',
    what: `${HELD}, and none was ever reported here`,
    why: 'every payment stays frozen, and WeChat warns 48 hours after each payment',
    where:
      'let your system call POST /api/shipping for each order, or set WECHAT_AUTO_SHIPPING; or ship each order by hand at mp.weixin.qq.com → 订单与发货',
  },
  unknown: {
    status: 'unknown',
    what: 'WeChat did not say whether it holds the money of orders until they are shipped ({code})',
    why: 'shipping was not compared',
    where: 'run it again in a minute; if the Mini Program has a problem, fix that first',
  },
} as const satisfies Verdicts

const say = reporter('shipping', verdicts)

export const shipping: Check = {
  name: 'shipping',
  title: 'Shipping',
  verdicts,
  settings: [],
  examine: async (patient) => [await compare(patient)],
}

/** WeChat's code, or our own word for a call without an answer. */
const codeOf = (failure: Failure): string => ('code' in failure ? failure.code : failure.reason)

async function compare(patient: Patient): Promise<Finding> {
  const settings = miniProgramSettings(patient.env)
  const token = await within(patient, () => fetchAccessToken(settings))
  if (!token.ok) return say('unknown', { code: codeOf(token.error) })
  const asked = await within(patient, () => isTradeManaged(settings, token.value.token))
  if (!asked.ok) return say('unknown', { code: codeOf(asked.error) })
  if (asked.value.outcome === 'token_refused') return say('unknown', { code: asked.value.code })
  if (!asked.value.isManaged) return say('not_managed')
  if (autoShipping(patient.env) !== null) return say('automatic')
  return say((await hasShipped(patient)) ? 'reported' : 'nothing_shipped')
}

/** True if the database does not answer, because its own check says why. */
async function hasShipped({ env }: Patient): Promise<boolean> {
  try {
    const { url, endpoint } = databaseSettings(env)
    return (await connect(url, endpoint).query('select from shipments limit 1')).length > 0
  } catch (error) {
    if (error instanceof ConfigError || readRefusal(error) !== null) return true
    throw error
  }
}
