/** Where the functions are; here, those of `npm start`. WeChat's phones take https only, and only a domain from the console's list. */
export const baseUrl = 'http://127.0.0.1:3000/api'
