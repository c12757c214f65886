// For `node --require`: servers listen at 127.0.0.1, and nowhere else.
const { Server } = require('net')
const listen = Server.prototype.listen
Server.prototype.listen = function (port) {
  return listen.call(this, { port: Number(port), host: '127.0.0.1' })
}
