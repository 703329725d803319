import { err } from '../core/result.ts'
import type { MiniPrograms } from '../ports.ts'
import { getOrder } from './get-order.ts'
import { isHostUp } from './host-probe.ts'
import { isTradeManaged } from './is-trade-managed.ts'
import { logIn, type MiniProgramSettings } from './login.ts'
import { findPhoneNumber } from './phone-number.ts'
import { reportReceipt } from './report-receipt.ts'
import { fetchAccessToken, uploadShipping } from './shipping.ts'

/** @param settings of the deployment's own Mini Program, read when first needed */
export const createMiniPrograms =
  (settings: () => MiniProgramSettings): MiniPrograms =>
  (appid) => {
    const app = settings()
    if (appid !== undefined && appid !== app.appid) return unconfigured
    return {
      logIn: (request) => logIn(app, request),
      fetchAccessToken: () => fetchAccessToken(app),
      uploadShipping: (token, report, order, at) => uploadShipping(app, token, report, order, at),
      getOrder: (token, order) => getOrder(app, token, order),
      reportReceipt: (token, order, at) => reportReceipt(app, token, order, at),
      isTradeManaged: (token) => isTradeManaged(app, token),
      findPhoneNumber: (token, phoneCode, openid) => findPhoneNumber(app, token, phoneCode, openid),
      isReachable: () => isHostUp(app.host),
    }
  }

const fail = () =>
  Promise.resolve(
    err({
      reason: 'not_configured',
      variable: 'WECHAT_APPID',
      fault: 'is not the Mini Program of this order',
      why: 'account',
    } as const),
  )

/** A Mini Program that this deployment has no settings for: every call fails. */
const unconfigured: ReturnType<MiniPrograms> = {
  logIn: fail,
  fetchAccessToken: fail,
  uploadShipping: fail,
  getOrder: fail,
  reportReceipt: fail,
  isTradeManaged: fail,
  findPhoneNumber: fail,
  isReachable: () => Promise.resolve(false),
}
