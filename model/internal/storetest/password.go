package storetest

const GoodPassword = "glacier tuba 41 window"
