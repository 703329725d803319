/** WeChat changes its keys while the shop is open, and the shop is deployed with the new ones. */
import type { Random } from './random.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** More changes would need more keys, and show nothing new. */
const MOST_CHANGES = 2

/** Changes the keys of an account of APIv3 once. Each stage may come at any time. */
export async function changeKeys(world: World, random: Random): Promise<void> {
  if (
    world.account.v3 === null ||
    world.keyChanges.isRunning ||
    world.keyChanges.begun >= MOST_CHANGES
  )
    return
  world.keyChanges.begun += 1
  world.keyChanges.isRunning = true
  try {
    const { mode } = world.simulator.keys()
    if (mode === 'public-key') await replacePublicKey(world, random)
    else if (mode === 'certificates' && random.chance(0.4)) await takePublicKey(world, random)
    else renewCertificate(world, random)
  } finally {
    world.keyChanges.isRunning = false
  }
}

/** The shop accepts both keys before WeChat drops the old one. */
async function replacePublicKey(world: World, random: Random): Promise<void> {
  const { simulator, time } = world
  const [old] = simulator.keys().publicKeys
  simulator.changeKeys({ rotate: 'public-key' })
  await time.sleep(random.between(0, 10 * MINUTE_MS))
  world.deploy({ publicKeys: simulator.keys().publicKeys })
  await time.sleep(random.between(0, HOUR_MS))
  world.deploy({ publicKeys: simulator.keys().publicKeys.toReversed() })
  if (old !== undefined) simulator.changeKeys({ retire: old.id })
  await time.sleep(random.between(0, HOUR_MS))
  world.deploy({ publicKeys: simulator.keys().publicKeys })
  world.count('world', 'public key replaced')
}

/** A merchant with platform certificates takes the public key instead. */
async function takePublicKey(world: World, random: Random): Promise<void> {
  const { simulator, time } = world
  simulator.changeKeys({ mode: 'change-over' })
  await time.sleep(random.between(0, 10 * MINUTE_MS))
  world.deploy({ publicKeys: simulator.keys().publicKeys })
  await time.sleep(random.between(0, HOUR_MS))
  simulator.changeKeys({ mode: 'public-key' })
  world.count('world', 'certificates replaced by a public key')
}

/** The next certificate signs immediately, and may end before the history does. */
function renewCertificate(world: World, random: Random): void {
  const validForDays = random.pick([0.01, 0.3, 1_826])
  world.simulator.changeKeys({ rotate: 'certificate', validForDays })
  world.count('world', 'certificate rotated')
}
