/** Puts products into the catalogue of a new world, so that its shop has something to sell. */
import * as v from 'valibot'
import { createCatalogue } from '../../lib/stores/catalogue.ts'
import { connect } from '../../lib/stores/neon.ts'
import { fen } from '../../lib/stores/rows.ts'
import type { World } from './world.ts'

const product = v.object({ sku: v.string(), name: v.string(), price: fen, active: v.boolean() })
/** Prices in fen. */
const products = v.parse(v.array(product), [
  { sku: 'beans', name: '咖啡豆 Coffee beans', price: 12800, active: true },
  { sku: 'cookie', name: '曲奇 Cookie', price: 900, active: true },
  { sku: 'latte', name: '拿铁 Latte', price: 2800, active: true },
])

/**
 * Does nothing to a database of the user, or if the catalogue already has products. It does not
 * call the functions: their log would come before the text that `npm start` prints.
 */
export async function stockShop({ env, standIns }: World): Promise<void> {
  if (!standIns.database) return
  const catalogue = createCatalogue(connect(env['DATABASE_URL'] ?? '', env['NEON_HTTP_ENDPOINT']))
  if ((await catalogue.listAll()).length === 0) await catalogue.save(products, new Date())
}
