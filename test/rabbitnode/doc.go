// Package rabbitnode gives tests a real RabbitMQ.
//
// URL is for most tests: a virtual host of its own on a broker that they share. Start is for tests that stop, kill or
// block their broker. A node runs from the installed rabbitmq-server, else from the Docker image rabbitmq:4-management,
// and it ends with the process that started it, however that ends.
package rabbitnode

// The environment names a broker that is shared by all test binaries; test/withrabbitmq sets both.
const (
	EnvAMQP = "HOOKLINE_TEST_AMQP"         // amqp://user:password@host:port/
	EnvAPI  = "HOOKLINE_TEST_RABBITMQ_API" // the management plugin: http://user:password@host:port
)

// EnvDocker set to 1 runs every node from the Docker image, which has another RabbitMQ than the system's packages.
const EnvDocker = "HOOKLINE_TEST_DOCKER"
