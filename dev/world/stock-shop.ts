/** Puts products into the catalogue of a new world, so that its shop has something to sell. */
import * as v from 'valibot'
import type { World } from './world.ts'

/** Prices in fen. */
const products = [
  { sku: 'latte', name: '拿铁 Latte', price: 2800 },
  { sku: 'cookie', name: '曲奇 Cookie', price: 900 },
  { sku: 'beans', name: '咖啡豆 Coffee beans', price: 12800 },
]

const catalogueSchema = v.object({ products: v.array(v.unknown()) })

/** Does nothing to a database of the user, or if the catalogue already has products. */
export async function stockShop({ url, env, standIns }: World): Promise<void> {
  if (!standIns.database) return
  const headers = {
    authorization: `Bearer ${env.MERCHANT_API_KEY}`,
    'content-type': 'application/json',
  }
  const answer = await fetch(`${url}/api/products`, { headers })
  const catalogue = v.safeParse(catalogueSchema, await answer.json())
  if (!catalogue.success || catalogue.output.products.length > 0) return
  const body = JSON.stringify({ products })
  await fetch(`${url}/api/products`, { method: 'PUT', headers, body })
}
