import type { Deps, PayGateway } from '../../lib/ports.ts'

/** The same dependencies, with some calls to WeChat Pay replaced. */
export const withGateway = (
  deps: Deps,
  replace: (gateway: PayGateway) => Partial<PayGateway>,
): Deps => ({
  ...deps,
  gateway: (account) => {
    const gateway = deps.gateway(account)
    return { ...gateway, ...replace(gateway) }
  },
})
