/**
 * The URL of the functions; by default those of `npm start`. On a device WeChat accepts only https
 * and only domains that are registered in the console.
 */
export const baseUrl = 'http://127.0.0.1:3000/api'
