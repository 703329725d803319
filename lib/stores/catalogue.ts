import * as v from 'valibot'
import type { Catalogue } from '../ports.ts'
import { REPEATABLE, type Sql } from './neon.ts'
import { fen } from './rows.ts'

const product = { sku: v.string(), name: v.string(), price: fen }
const productRows = v.array(v.object(product))
const listedRows = v.array(v.object({ ...product, active: v.boolean() }))

/** The products and their prices. Every price of a payer's order comes from here. */
export const createCatalogue = (sql: Sql): Catalogue => ({
  async list() {
    return v.parse(
      productRows,
      await sql.query(
        'select sku, name, price from products where active order by sku',
        [],
        REPEATABLE,
      ),
    )
  },

  async listAll() {
    return v.parse(
      listedRows,
      await sql.query('select sku, name, price, active from products order by sku', [], REPEATABLE),
    )
  },

  async save(products, at) {
    await sql.query(
      `insert into products (sku, name, price, active, updated_at)
       select sku, name, price, active, $5::timestamptz
       from unnest($1::text[], $2::text[], $3::integer[], $4::boolean[]) as p (sku, name, price, active)
       on conflict (sku) do update set
         name = excluded.name, price = excluded.price, active = excluded.active, updated_at = excluded.updated_at`,
      [
        products.map((p) => p.sku),
        products.map((p) => p.name),
        products.map((p) => p.price),
        products.map((p) => p.active),
        at,
      ],
      REPEATABLE,
    )
  },
})
