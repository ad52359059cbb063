// No password survives, not even of a malformed URI.
#include "tools/redaction.hpp"

#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

TEST(redaction, hides_the_password_and_keeps_the_rest) {
  EXPECT_EQ(redacted("mongodb://u:secret@a:1,b:2/db?replicaSet=rs"), "mongodb://u:***@a:1,b:2/db?replicaSet=rs");
  EXPECT_EQ(redacted("mongodb+srv://u:secret@c.example/"), "mongodb+srv://u:***@c.example/");
  EXPECT_EQ(redacted("MongoDB://u:secret@a"), "MongoDB://u:***@a");
}

TEST(redaction, leaves_what_holds_no_secret) {
  for (const char* text : {"", "no URI here", "mongodb://a:27017/?replicaSet=rs", "mongodb://u@a/", "mongodb://"}) {
    EXPECT_EQ(redacted(text), text);
  }
}

TEST(redaction, hides_options_that_hold_secrets) {
  EXPECT_EQ(redacted("mongodb://a/?tls=true&TLSCertificateKeyFilePassword=secret&appName=x"),
            "mongodb://a/?tls=true&TLSCertificateKeyFilePassword=***&appName=x");
  EXPECT_EQ(redacted("mongodb://a/?authMechanismProperties=AWS_SESSION_TOKEN:secret"),
            "mongodb://a/?authMechanismProperties=***");
}

TEST(redaction, a_malformed_uri_leaks_nothing) {
  for (const char* text :
       {"mongodb://u:sec@ret@a/", "mongodb://u:secret/x@a/", "mongodb://u:secret?x@a", "--source=mongodb://u:secret@a",
        "error: mongodb://u:secret@a is bad", "mongodb://u:secret:secret@a", "mongodb://:secret@a"}) {
    EXPECT_EQ(redacted(text).find("sec"), std::string::npos) << redacted(text);
  }
}

TEST(redaction, finds_every_uri) {
  EXPECT_EQ(redacted("mongodb://a:1@h, mongodb://b:2@k"), "mongodb://a:***@h, mongodb://b:***@k");
}

}  // namespace
}  // namespace sluice::tools
