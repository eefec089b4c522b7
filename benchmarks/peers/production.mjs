// Imported first: libraries look at these when they load.
process.env.NODE_ENV = 'production'
process.env.GRAPHILE_ENV = 'production'
