/** The only client of this app. */
import { baseUrl } from './config'
import { createPay } from './pay'
import { withSimulatedCashier } from './simulated-cashier'

/**
 * WeChat accepts only https on a device, so http means the local world, which has no real cashier.
 */
const isLocal = baseUrl.startsWith('http:')

export const client = createPay({
  baseUrl,
  platform: isLocal ? withSimulatedCashier(wx, baseUrl) : wx,
})
