// npm's @20minutes/s3rver, an S3 server that checks signatures (SigV4), in a
// folder: s3rver.js MODULE FOLDER BUCKET prints its port.  t/34-services-s3.t

const S3rver = require(process.argv[2]);

new S3rver({
    port: 0, address: '127.0.0.1', silent: true, vhostBuckets: false,
    directory: process.argv[3], configureBuckets: [{name: process.argv[4]}],
}).run((error, address) => console.log(error ?? address.port));

process.on('SIGTERM', () => process.exit());
