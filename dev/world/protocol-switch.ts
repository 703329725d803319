import type { CompleteEnvironment } from './environment.ts'
import type { SwitchedWorld } from './switches.ts'

/**
 * Changes the protocol of new orders. Orders that exist keep theirs, so both protocols must be
 * configured, as they are in `npm start`.
 *
 * @param reload makes the functions read their environment again
 */
export const createProtocolSwitch = (
  env: CompleteEnvironment,
  reload: () => void,
): SwitchedWorld['protocol'] => ({
  get: () => (env['WECHAT_PAY_API'] === 'v3' ? 'v3' : 'v2'),
  set: (protocol) => {
    if ((env['WECHAT_PAY_API'] ?? 'v2') === protocol) return
    env['WECHAT_PAY_API'] = protocol
    process.env['WECHAT_PAY_API'] = protocol
    reload()
  },
})
