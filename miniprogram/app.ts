import { client } from './client'
import { tellOutcome } from './messages'

App({
  /** The app may have been killed with the cashier open. What is still unpaid waits in the list of orders. */
  async onLaunch() {
    for (const outcome of await client.resume()) if (outcome.state === 'paid') tellOutcome(outcome)
  },
})
