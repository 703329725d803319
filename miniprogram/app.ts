import { client } from './client'
import { showOutcome } from './messages'

App({
  /**
   * The app may have been killed while the cashier was open. Unpaid orders stay in the list of
   * orders.
   */
  async onLaunch() {
    for (const outcome of await client.resume()) if (outcome.state === 'paid') showOutcome(outcome)
  },
})
