import { readNoQuery, readRequest } from '../lib/http/read-request.ts'
import { productsRequest } from '../lib/http/requests.ts'
import { reply, serve, type Handler } from '../lib/http/serve.ts'
import { isMerchant, requireCaller } from '../lib/http/authenticate.ts'
import { listAllProducts, listProducts, saveProducts } from '../lib/steps/catalogue.ts'

/** The catalogue. Anyone sees the products that can be ordered; the merchant sees all. */
export const get: Handler = async (request, deps, edge) => {
  const query = readNoQuery(request)
  if (!query.ok) return query
  return reply(200, {
    products: await (isMerchant(request, edge) ? listAllProducts(deps) : listProducts(deps)),
  })
}

/** The merchant adds or changes products. */
export const put: Handler = async (request, deps, edge) => {
  const caller = await requireCaller(request, edge, ['merchant'])
  if (!caller.ok) return caller
  const asked = await readRequest(request, productsRequest)
  if (!asked.ok) return asked
  await saveProducts(deps, asked.value.products)
  return reply(200, asked.value)
}

export default serve('products', { GET: get, PUT: put })
