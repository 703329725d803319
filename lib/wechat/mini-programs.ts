import { ConfigError } from '../core/failure.ts'
import type { MiniPrograms } from '../ports.ts'
import { isHostUp } from './host-probe.ts'
import { logIn, type MiniProgramSettings } from './login.ts'
import { fetchAccessToken, uploadShipping } from './shipping.ts'

/** @param settings of the deployment's own Mini Program, read when first needed */
export const createMiniPrograms =
  (settings: () => MiniProgramSettings): MiniPrograms =>
  (appid) => {
    const app = settings()
    if (appid !== undefined && appid !== app.appid)
      throw new ConfigError('WECHAT_APPID', 'is not the Mini Program of this order')
    return {
      logIn: (request) => logIn(app, request),
      fetchAccessToken: () => fetchAccessToken(app),
      uploadShipping: (token, shipment, order, at) =>
        uploadShipping(app, token, shipment, order, at),
      isReachable: () => isHostUp(app.host),
    }
  }
