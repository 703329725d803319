/** WeChat sends what is due: notifications and pushes, each with its faults. */
import { messageFaultsOf, toSimulatorFault } from './faults.ts'
import { runAs } from './instance.ts'
import { PUSH_FAULTS, toPushFault } from './push-faults.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Waits, and then lets WeChat send its due notifications. */
export async function tickAfter(world: World, random: Random, ms: number): Promise<void> {
  const { account, time, network, simulator } = world
  await time.sleep(ms)
  const notification = {
    name: 'notify',
    protocol: account.v3 === null ? 'v2' : 'v3',
  } as const
  const possible = messageFaultsOf('notify', network.faultSettings.faults).filter(
    (one) => toSimulatorFault(one, notification) !== null,
  )
  const fault = network.drawFault(possible, random)
  const simulatorFault = fault === null ? null : toSimulatorFault(fault, notification)
  if (fault !== null && simulatorFault !== null) {
    world.count('notify', fault)
    simulator.misbehave(simulatorFault)
  }
  const next = random.next()
  if (simulator.shipments().length > 0) {
    const pushFault = next.pick(PUSH_FAULTS)
    if (pushFault !== null) {
      world.count('world', `push: ${pushFault}`)
      simulator.misbehave(toPushFault(pushFault))
    }
  }
  await runAs({ instance: null, random: next }, () => simulator.tick())
}
